import type { Session } from "@sojourn/session";
import type { Data } from "site";

declare global {
  namespace App {
    interface Locals {
      session: Session<Data>;
      staff: Session<{ role: string }>;
    }
  }
}
