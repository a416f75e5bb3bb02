/** Sessions with schemas of the real libraries. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { createSessions, memoryStore, type Session, type Sessions, type StandardSchema } from "../../src/index.ts";
import { describeWith, service } from "../services.ts";

const installed = await service("schemas");
const schemas = installed.available
  ? await import(/* @vite-ignore */ fileURLToPath(new URL("../schemas/schemas.ts", import.meta.url)))
  : undefined;

type Data = Record<string, unknown>;
const LIBRARIES = ["zod", "valibot", "arktype", "effect"];

function of(what: "shops" | "counting" | "strict" | "late", library: string): StandardSchema<object, Data> {
  return schemas?.[what][library] as StandardSchema<object, Data>;
}

/** Requests of one visitor. */
function visitor(...versions: Sessions<Data>[]) {
  let cookie = "";
  return async (handle: (session: Session<Data>) => unknown, sessions = versions[0]): Promise<void> => {
    const fetch = (sessions as Sessions<Data>).wrap((_request, session) => {
      handle(session);
      return new Response();
    });
    const response = await fetch(new Request("https://shop.example/", { headers: { cookie } }));
    const [line] = response.headers.getSetCookie();
    if (line !== undefined) cookie = line.slice(0, line.indexOf(";"));
  };
}

describeWith(installed, "schemas of the real libraries", () => {
  test("infer the types of the data", async () => {
    const tsc = ["node_modules/typescript/bin/tsc", "--pretty", "false", "-p", "test/schemas/tsconfig.json"];
    const errors = await promisify(execFile)(process.execPath, tsc).then(
      () => "",
      ({ stdout }: { stdout: string }) => stdout,
    );
    expect(errors).toBe("");
  }, 120_000);

  test.each(LIBRARIES)("%s: defaults are read by visitors and stored for nobody", async (library) => {
    const store = memoryStore();
    const request = visitor(createSessions({ store, schema: of("shops", library) }));
    await request((session) => {
      expect(session.get("cart")).toEqual([]);
      expect(session.all()).toEqual({ cart: [] });
      session.update("cart", (cart) => cart);
    });
    await request((session) => expect(session.isNew).toBe(true));
  });

  test.each(LIBRARIES)("%s: what fits is stored, and read as the schema gives it", async (library) => {
    const request = visitor(createSessions({ schema: of("shops", library) }));
    await request((session) => {
      session.update("cart", (cart) => [...(cart as object[]), { id: 7 }]);
      session.set("name", " Ada ");
    });
    await request((session) => {
      expect(session.all()).toEqual({ cart: [{ id: 7 }], name: "Ada" });
      session.delete("cart");
      expect(session.get("cart")).toEqual([]);
    });
    await request((session) => expect(session.all()).toEqual({ cart: [], name: "Ada" }));
  });

  test.each(LIBRARIES)(
    "%s: what does not fit is refused with the place and no value, and nothing is stored",
    async (library) => {
      const request = visitor(createSessions({ schema: of("shops", library) }));
      await request((session) => session.set("theme", "dark"));
      const refused = request((session) => {
        session.set("name", "stored for nobody");
        session.set("cart", [{ id: 1 }, { id: "hidden" }]);
      });
      await expect(refused).rejects.toMatchObject({
        code: "data_invalid",
        message: expect.stringMatching(/^Nothing was stored: after changes to name, cart .* at "cart\[1\]\.id"/),
      });
      await expect(refused).rejects.toMatchObject({ message: expect.not.stringContaining("hidden") });
      await request((session) => expect(session.all()).toEqual({ cart: [], theme: "dark" }));
    },
  );

  test.each(LIBRARIES)("%s: keys and fields that it strips stay in the store", async (library) => {
    const store = memoryStore();
    const old = createSessions({ store, schema: of("shops", library) });
    const next = createSessions<Data>({ store });
    const request = visitor(old, next);
    await request((session) => session.set("wishes", ["a lamp"]), next);
    await request((session) => session.set("cart", [{ id: 1, gift: { to: "Ada" } }]), next);
    await request((session) => {
      expect(session.has("wishes")).toBe(false);
      session.update("cart", (cart) => [...(cart as object[]), { id: 2 }]);
      session.set("cart", [...(session.get("cart") as object[]), { id: 3 }]);
    });
    await request((session) => {
      expect(session.all()).toEqual({
        wishes: ["a lamp"],
        cart: [{ id: 1, gift: { to: "Ada" } }, { id: 2 }, { id: 3 }],
      });
    }, next);
  });

  test.each(LIBRARIES)(
    "%s: a schema that changes its own output is refused before anything is stored",
    async (library) => {
      const request = visitor(createSessions({ schema: of("counting", library) }));
      await expect(request((session) => session.set("n", 1))).rejects.toMatchObject({
        code: "data_invalid",
        message: expect.stringContaining("changes n again"),
      });
      await request((session) => expect(session.isNew).toBe(true));
    },
  );

  test.each(LIBRARIES)("%s: a key that must be there is refused at construction", (library) => {
    expect(() => createSessions({ schema: of("strict", library) })).toThrow(/make each key optional .*\("name": /);
  });

  test.each(["zod", "valibot"])("%s: a schema that answers later is refused", async (library) => {
    const make = () => visitor(createSessions({ schema: of("late", library) }));
    const attempt = async () => make()((session) => session.set("name", "Ada"));
    await expect(attempt()).rejects.toThrow(/promise/);
  });
});
