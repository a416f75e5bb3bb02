import { smallOnes } from "./apps.ts";
import { conversationWith } from "./conversation.ts";

for (const framework of smallOnes) conversationWith(framework);
