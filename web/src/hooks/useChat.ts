import { useCallback, useEffect, useSyncExternalStore } from "react";

import type { Chat, View } from "../chat";
import { cidAt, isSignedIn, pathOf } from "../route";

interface Talk {
  readonly view: View;
  /** Opens a conversation, or a new one, as a step that the browser's back button undoes. */
  readonly go: (cid: string | null) => void;
}

/** The chat for as long as the page shows it, in step with the address. */
export function useChat(chat: Chat): Talk {
  const view = useSyncExternalStore(chat.subscribe, chat.current);
  useConnection(chat);
  useWarning(view.outbox.some(({ status }) => status !== "failed"));
  useEffect(() => {
    if (view.cid !== null) history.replaceState(null, "", pathOf(view.cid));
  }, [view.cid]);
  const go = useCallback(
    (cid: string | null) => {
      history.pushState(null, "", pathOf(cid));
      chat.open(cid);
    },
    [chat],
  );
  return { view, go };
}

function useConnection(chat: Chat): void {
  useEffect(() => {
    const followAddress = () => {
      chat.open(cidAt(location));
    };
    const hurry = () => {
      if (document.visibilityState === "visible") chat.hurry();
    };
    chat.start();
    if (isSignedIn(location.search)) chat.hint();
    history.replaceState(null, "", pathOf(cidAt(location)));
    followAddress();
    window.addEventListener("popstate", followAddress);
    window.addEventListener("online", hurry);
    document.addEventListener("visibilitychange", hurry);
    return () => {
      window.removeEventListener("popstate", followAddress);
      window.removeEventListener("online", hurry);
      document.removeEventListener("visibilitychange", hurry);
      chat.stop();
    };
  }, [chat]);
}

/** What has not arrived lives in this page alone: say so before it is closed. */
function useWarning(unsent: boolean): void {
  useEffect(() => {
    if (!unsent) return;
    const warn = (event: BeforeUnloadEvent) => {
      event.preventDefault();
    };
    window.addEventListener("beforeunload", warn);
    return () => {
      window.removeEventListener("beforeunload", warn);
    };
  }, [unsent]);
}
