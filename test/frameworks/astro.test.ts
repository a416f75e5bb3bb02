import { astro } from "./apps.ts";
import { conversationWith } from "./conversation.ts";

conversationWith(astro);
