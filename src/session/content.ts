import { atOnce } from "../platform/awaitable.ts";
import { type Codec, copyOf, put } from "./codec.ts";
import type { Shape, StoredData } from "./shape.ts";

/**
 * One thing done to a session. Commit applies the list to what is stored by then, so that no other request's change is
 * lost.
 */
export type Change =
  | { readonly type: "set"; readonly key: string; readonly value: unknown }
  | { readonly type: "update"; readonly key: string; readonly change: (value: unknown) => unknown }
  | { readonly type: "delete"; readonly key: string }
  | { readonly type: "clear" }
  | { readonly type: "sign-in"; readonly subject: string }
  | { readonly type: "sign-out"; readonly keep: readonly string[] };

/** What changes apply to. */
export interface Content extends StoredData {
  /** As stored; with a schema also as migrated, once something looked at it. */
  data: Record<string, unknown>;
  subject: string | undefined;
  version: number;
  /** What a handler sees of `data`. With a schema alone, once something looked at it. */
  view: Record<string, unknown> | undefined;
  /** `data` and `view` are this request's own, and may be changed. */
  own: boolean;
}

/** How data is copied and what shape it has: the settings, as far as changes need them. */
export interface DataRules {
  readonly codec: Codec;
  readonly shape: Shape | undefined;
}

/** What is known of a session that is not stored. */
export function noData(shape: Shape | undefined): StoredData & { readonly authenticatedAt: undefined } {
  const version = shape?.version ?? 1;
  return { data: {}, version, handle: undefined, subject: undefined, authenticatedAt: undefined };
}

/** Stored data as changes apply to it. */
export function contentOf({ data, version, handle, subject }: StoredData): Content {
  return { data, version, handle, subject, view: undefined, own: false };
}

/**
 * What a handler sees of content. With a schema the data is migrated and validated here, so that who only asks for the
 * subject, or signs out, does not fail on data.
 */
export function viewOf(content: Content, shape: Shape | undefined): Record<string, unknown> {
  if (shape === undefined) return content.data;
  if (content.view === undefined) {
    const { data, view, version } = shape.open(content);
    content.data = data;
    content.view = view;
    content.version = version;
  }
  return content.view as Record<string, unknown>;
}

/**
 * Applies one change. The same function serves the view of the request and the merge with what another request stored.
 */
export function applyChange(content: Content, change: Change, rules: DataRules): void {
  switch (change.type) {
    case "set":
      putValue(content, change.key, change.value, rules);
      return;
    case "update":
      update(content, change.key, change.change, rules);
      return;
    case "delete":
      remove(content, change.key, rules);
      return;
    case "clear":
      clear(content, rules);
      return;
    case "sign-in":
      if (content.subject !== undefined && content.subject !== change.subject) clear(content, rules);
      content.subject = change.subject;
      return;
    case "sign-out":
      signOut(content, change.keep, rules);
  }
}

/** The changes applied to stored data: what shall be stored next. */
export function applyChanges(stored: StoredData, changes: readonly Change[], rules: DataRules): Content {
  const content = contentOf(stored);
  for (const change of changes) applyChange(content, change, rules);
  return content;
}

/** What a request changed, for a message. */
export function changedKeys(changes: readonly Change[]): string[] {
  return [...new Set(changes.map((change) => ("key" in change ? change.key : change.type)))];
}

function putValue(content: Content, key: string, value: unknown, rules: DataRules): void {
  const view = ownViewOf(content, rules);
  put(content.data, key, value);
  if (view !== content.data) put(view, key, value);
}

/** The function gets what the handler sees, defaults included. A default that it gives back is not stored for that. */
function update(content: Content, key: string, change: (value: unknown) => unknown, rules: DataRules): void {
  const { codec, shape } = rules;
  const view = ownViewOf(content, rules);
  const before = Object.hasOwn(view, key) ? view[key] : undefined;
  const copy = before === undefined ? undefined : copyOf(codec, before, key);
  const value = atOnce("The function for update", change(copy));
  if (value === undefined) {
    remove(content, key, rules);
    return;
  }
  const next = copyOf(codec, value, key);
  const isSame = shape && before !== undefined && codec.encode({ value: before }) === codec.encode({ value: next });
  if (!isSame) putValue(content, key, next, rules);
}

function remove(content: Content, key: string, rules: DataRules): void {
  const view = ownViewOf(content, rules);
  // What the schema does not know is not seen, and so not deleted either
  if (!Object.hasOwn(view, key)) return;
  delete content.data[key];
  if (rules.shape === undefined) return;
  delete view[key];
  const empty = rules.shape.empty();
  if (Object.hasOwn(empty, key)) put(view, key, empty[key]);
}

function clear(content: Content, { shape }: DataRules): void {
  content.data = {};
  content.own = true;
  if (shape === undefined) return;
  content.view = shape.empty();
  content.version = shape.version;
}

function signOut(content: Content, keep: readonly string[], rules: DataRules): void {
  content.subject = undefined;
  if (keep.length === 0) {
    clear(content, rules);
    return;
  }
  const view = viewOf(content, rules.shape);
  const { data, version } = content;
  clear(content, rules);
  content.version = version;
  for (const key of keep) {
    if (!Object.hasOwn(data, key)) continue;
    put(content.data, key, data[key]);
    if (content.view !== undefined && Object.hasOwn(view, key)) put(content.view, key, view[key]);
  }
}

/** The view, to be changed. */
function ownViewOf(content: Content, { shape }: DataRules): Record<string, unknown> {
  viewOf(content, shape);
  if (!content.own) {
    content.data = { ...content.data };
    if (content.view !== undefined) content.view = { ...content.view };
    content.own = true;
  }
  return content.view ?? content.data;
}
