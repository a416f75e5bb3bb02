import type { Session, SessionsOptions } from "@sojourn/session";

/** What the sessions of the site hold. */
export interface Data {
  flash: string;
  count: number;
}

export interface View {
  user: string;
  flash: string;
  count: number;
}

export declare const clock: () => number;
/** The options of every application: a clock that a test puts forward, and a cookie that Safari takes in development. */
export declare const options: SessionsOptions & { schema?: undefined };
/** What the page shows of a session; takes the flash out. */
export declare function view(session: Session<Data>): View;
/** As {@link view}, without a change. */
export declare function read(session: Session<Data>): Omit<View, "flash">;
export declare function login(session: Session<Data>, request: Request): Promise<void>;
export declare function html(view: Omit<View, "flash"> & { flash?: string }): string;
export declare function page(session: Session<Data>): Response;
export declare function stream(session: Session<Data>): Response;
export declare function redirect(location: string): Response;
export declare function site(request: Request, session: Session<Data>): Promise<Response>;
