import type { Operation, Seen } from "./history.ts";

/** What a token opens when all is over. */
export interface Final {
  readonly token: string;
  readonly saw: Seen;
  readonly handle: string | undefined;
}

/**
 * Everything in a history that must not be, in words; empty for a store and a core that keep their promises. `finals`
 * are looks through every token that a session ever had, when all is quiet.
 */
export function faultsIn(history: readonly Operation[], finals: readonly Final[]): string[] {
  const faults: string[] = [];
  const byId = groupBy(history, ({ id }) => id);
  const looks = new Map(finals.map((final) => [final.token, final]));
  for (const [id, operations] of byId) {
    const session = understand(id, operations);
    const tokens = [...new Set(operations.flatMap(({ given, token }) => [given ?? [], token ?? []].flat()))];
    const report = (what: string): void => void faults.push(`session ${id}: ${what}`);
    for (const operation of operations) checkOperation(operation, session, report);
    checkEnd(
      session,
      tokens.map((token) => looks.get(token)).filter((look) => look !== undefined),
      report,
    );
  }
  return faults;
}

/** What a history says of one session. */
interface Session {
  readonly id: string;
  readonly operations: readonly Operation[];
  readonly counts: readonly Operation[];
  readonly writes: readonly Operation[];
  readonly logouts: readonly Operation[];
  /** Sign-ins and renewals: what came before them is dead. */
  readonly cuts: readonly Operation[];
  /** The operation that began the line of rotations that a token belongs to. */
  readonly rootOf: ReadonlyMap<string, Operation>;
}

function understand(id: string, operations: readonly Operation[]): Session {
  const of = (...kinds: string[]): Operation[] => operations.filter((one) => kinds.includes(one.kind) && mayCount(one));
  const rootOf = new Map<string, Operation>();
  for (const one of [...operations].sort((x, y) => x.end - y.end)) {
    if (!one.given || rootOf.has(one.given)) continue;
    const began = one.kind === "create" || one.kind === "sign in" || one.kind === "renew";
    const root = began || !one.token ? one : rootOf.get(one.token);
    if (root) rootOf.set(one.given, root);
  }
  return {
    id,
    operations,
    counts: of("count"),
    writes: of("write"),
    logouts: of("destroy"),
    cuts: of("sign in", "renew"),
    rootOf,
  };
}

const KNOWN_ERRORS = ["store_failed", "store_timeout", "session_conflict"];

function checkOperation(one: Operation, session: Session, report: (what: string) => void): void {
  const { id, counts, logouts, cuts, rootOf } = session;
  for (const event of ["record_rejected", "token_reused"]) {
    if (one.events.includes(event)) report(`${nameOf(one)} met ${event}`);
  }
  if (one.outcome === "error" && !KNOWN_ERRORS.includes(one.code ?? ""))
    report(`${nameOf(one)} failed with ${one.code}`);
  if (one.saw === undefined || one.kind === "create") return;
  const root = rootOf.get(one.token ?? "");
  const earlier = (other: Operation): boolean => isAcknowledged(other) && other.end < one.start;
  if (one.saw.id === id) {
    const logout = logouts.find(earlier);
    if (logout) report(`${nameOf(one)} read it after ${nameOf(logout)} was acknowledged`);
    const cut = cuts.find((other) => earlier(other) && root !== undefined && rootOf.get(other.token ?? "") === root);
    if (cut) report(`${nameOf(one)} read it with a token from before ${nameOf(cut)}`);
    const counted = counts.filter(earlier).length;
    const possible = counts.filter((other) => other.start < one.end && other !== one).length;
    checkCount(`${nameOf(one)} saw`, one.saw, counted, possible, report);
    checkWrites(`${nameOf(one)} saw`, one.saw, session, earlier, (other) => other.start < one.end, report);
    if (one.events.includes("changes_dropped") && !hasEnder(one, root, session))
      report(`${nameOf(one)} was dropped, and nobody had ended it`);
  } else if (!hasEnder(one, root, session)) {
    report(`${nameOf(one)} was logged out by nobody`);
  }
}

/** Whether a logout or a cut may have ended what the token opened, before the operation was over. */
function hasEnder(one: Operation, root: Operation | undefined, { logouts, cuts }: Session): boolean {
  return [...logouts, ...cuts].some(
    (other) => other !== one && other !== root && other.start < one.end && other.end > (root?.start ?? 0),
  );
}

function checkEnd(session: Session, looks: readonly Final[], report: (what: string) => void): void {
  const { id, counts, logouts, cuts, operations } = session;
  const open = looks.filter(({ saw }) => saw.id === id);
  const logout = logouts.find(isAcknowledged);
  if (logout && open.length > 0) report(`it can be read after ${nameOf(logout)} was acknowledged`);
  if (new Set(open.map(({ handle }) => handle)).size > 1) report("it has more than one live successor");
  const wasMade = operations.some((one) => one.kind === "create" && isAcknowledged(one));
  const mayBeGone = logouts.length > 0 || cuts.some((cut) => !isAcknowledged(cut));
  if (wasMade && open.length === 0 && !mayBeGone) report("it is gone, and nobody ended it");
  for (const { saw } of open) {
    checkCount("at the end it has", saw, counts.filter(isAcknowledged).length, counts.length, report);
    checkWrites("at the end it has", saw, session, isAcknowledged, () => true, report);
  }
}

function checkCount(
  where: string,
  saw: Seen,
  acknowledged: number,
  possible: number,
  report: (what: string) => void,
): void {
  const count = (saw.count ?? 0) as number;
  if (count < acknowledged) report(`${where} count ${count}, but ${acknowledged} were acknowledged`);
  if (count > possible) report(`${where} count ${count}, but only ${possible} can have been counted`);
}

/** Of each client the last acknowledged value, or one that it wrote after that. */
function checkWrites(
  where: string,
  saw: Seen,
  { writes }: Session,
  certain: (one: Operation) => boolean,
  possible: (one: Operation) => boolean,
  report: (what: string) => void,
): void {
  for (const [client, own] of groupBy(writes, (one) => one.client)) {
    const found = saw[`by ${client}`] as number | undefined;
    const last = Math.max(0, ...own.filter(certain).map(({ value }) => value ?? 0));
    if ((found ?? 0) < last) report(`${where} ${found} of ${client}, whose ${last} was acknowledged`);
    if (found !== undefined && !own.some((one) => one.value === found && possible(one)))
      report(`${where} ${found} of ${client}, who never wrote that`);
  }
}

/** Answered, found its session, and was not told that its changes were dropped. */
function isAcknowledged(one: Operation): boolean {
  return (
    one.outcome === "ok" && !one.events.includes("changes_dropped") && (one.kind === "create" || one.saw?.id === one.id)
  );
}

/** Acknowledged, or nobody knows. A handler that did not run, or found another session or none, changed nothing. */
function mayCount(one: Operation): boolean {
  return isAcknowledged(one) || one.outcome === "unknown" || (one.outcome === "error" && one.saw?.id === one.id);
}

function nameOf({ client, n, kind }: Operation): string {
  return `${kind} ${n} of ${client}`;
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}
