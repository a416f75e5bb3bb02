import { test } from "vitest";
import { memoryStore } from "../../src/stores/memory.ts";
import { testStore } from "../../src/testing.ts";

testStore("memoryStore()", ({ clock }) => memoryStore({ clock }), { test });
