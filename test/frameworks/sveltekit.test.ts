import { svelteKit } from "./apps.ts";
import { conversationWith } from "./conversation.ts";

conversationWith(svelteKit);
