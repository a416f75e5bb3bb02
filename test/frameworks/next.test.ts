import { next } from "./apps.ts";
import { conversationWith } from "./conversation.ts";

conversationWith(next);
