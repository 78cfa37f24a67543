/** The browser, as the chat sees it. */

import { getSession } from "./api";
import type { Wire, World } from "./socket";

export const browser: World = {
  now: () => performance.now(),
  date: () => new Date().toISOString(),
  random: () => Math.random(),
  uuid: () => crypto.randomUUID(),
  later: (ms, call) => {
    const timer = setTimeout(call, ms);
    return () => {
      clearTimeout(timer);
    };
  },
  session: getSession,
  dial: () => {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    return new WebSocket(`${scheme}://${location.host}/ws`) as Wire;
  },
};
