import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// `npm run dev` shows the page from its sources and talks to a running CJ.
const CJ = "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [react()],
  build: {
    // The content security policy is default-src 'self': nothing inline, not even a small image.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
  },
  server: {
    host: "127.0.0.1",
    proxy: {
      "/api": { target: CJ, headers: { origin: CJ } },
      "/ws": { target: CJ, ws: true, rewriteWsOrigin: true },
    },
  },
});
