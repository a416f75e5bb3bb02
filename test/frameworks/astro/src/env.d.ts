declare namespace App {
  interface Locals {
    session: import("@sojourn/session").Session<import("site").Data>;
  }
}
