import { site } from "site";
import { serve } from "srvx";
import { sessions } from "./sessions.ts";

serve({ fetch: sessions.wrap(site) });
