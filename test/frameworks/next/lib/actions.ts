"use server";
import { notFound, redirect } from "next/navigation";
import { withSession } from "./session.ts";

export const login = withSession(async (session, form: FormData): Promise<void> => {
  const user = String(form.get("user"));
  session.signIn(user);
  session.set("flash", `Welcome, ${user}`);
  redirect("/");
});

export const logout = withSession(async (session): Promise<void> => {
  session.destroy();
  redirect("/");
});

export const count = withSession(async (session): Promise<void> => {
  session.update("count", (count = 0) => count + 1);
  redirect("/");
});

export const fail = withSession(async (session): Promise<void> => {
  session.set("flash", "Not there");
  notFound();
});
