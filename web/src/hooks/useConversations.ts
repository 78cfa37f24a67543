import { useCallback, useEffect, useState } from "react";

import { extended, getConversations, refreshed } from "../api";
import type { Conversations } from "../api";
import type { View } from "../chat";

export interface ConversationList {
  readonly list: Conversations | null;
  readonly failed: boolean;
  readonly onMore: () => void;
}

/** Earlier conversations, read again whenever something was said or the connection came back. */
export function useConversations({ cid, status, transcript }: View): ConversationList {
  const [list, setList] = useState<Conversations | null>(null);
  const [failed, setFailed] = useState(false);
  const online = status === "online";
  useEffect(() => {
    if (!online) return; // the session cookie is set before the socket opens
    let wanted = true;
    getConversations(null).then(
      (first) => {
        if (!wanted) return;
        setList((old) => refreshed(old, first));
        setFailed(false);
      },
      () => {
        if (wanted) setFailed(true);
      },
    );
    return () => {
      wanted = false;
    };
  }, [online, cid, transcript.last_seq]);
  const next = list?.next ?? null;
  const onMore = useCallback(() => {
    getConversations(next).then(
      (page) => {
        setList((old) => (old === null ? page : extended(old, page)));
        setFailed(false);
      },
      () => {
        setFailed(true);
      },
    );
  }, [next]);
  return { list, failed, onMore };
}
