import { defineAction } from "astro:actions";

export const server = {
  count: defineAction({
    accept: "form",
    handler: (_input, { locals }) => {
      locals.session.update("count", (count = 0) => count + 1);
    },
  }),
};
