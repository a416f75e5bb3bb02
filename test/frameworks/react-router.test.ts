import { reactRouter } from "./apps.ts";
import { conversationWith } from "./conversation.ts";

conversationWith(reactRouter);
