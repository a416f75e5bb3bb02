import { shardedMap } from "./sharded-map.ts";

/** Which slots belong to whom. */
export interface Subjects {
  add(subject: string, slot: number): void;
  remove(subject: string, slot: number): void;
  slots(subject: string): Iterable<number>;
}

export function createSubjects(): Subjects {
  // Most people have one session, and a Set for one number takes nearly as much memory as the session does.
  const slots = shardedMap<number | Set<number>>();
  return {
    add(subject, slot) {
      const others = slots.get(subject);
      if (others === undefined) slots.set(subject, slot);
      else if (typeof others === "number") slots.set(subject, new Set([others, slot]));
      else others.add(slot);
    },
    remove(subject, slot) {
      const all = slots.get(subject);
      if (typeof all === "object") {
        all.delete(slot);
        if (all.size > 0) return;
      }
      slots.delete(subject);
    },
    slots(subject) {
      const all = slots.get(subject) ?? [];
      return typeof all === "number" ? [all] : all;
    },
  };
}
