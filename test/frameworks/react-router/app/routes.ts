import { index, type RouteConfig, route } from "@react-router/dev/routes";

export default [
  index("home.tsx"),
  route("stream", "stream.tsx"),
  route("me", "me.ts"),
  route("login", "login.ts"),
  route("logout", "logout.ts"),
  route("count", "count.ts"),
  route("fail", "fail.ts"),
] satisfies RouteConfig;
