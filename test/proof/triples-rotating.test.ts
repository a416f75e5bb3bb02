import { everyTriple } from "./triples.ts";

everyTriple({ rotating: true });
