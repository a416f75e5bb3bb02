import type { NextConfig } from "next";

// This folder, and not one above it where a lock file lies too
const config: NextConfig = { turbopack: { root: import.meta.dirname } };
export default config;
