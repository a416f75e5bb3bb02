import { everyTriple } from "./triples.ts";

everyTriple({ rotating: false });
