import { useCallback, useEffect, useRef, useState } from "react";

import type { Chat } from "../chat";
import { useChat } from "../hooks/useChat";
import { useConversations } from "../hooks/useConversations";
import type { Outgoing } from "../protocol";
import { Announcer } from "./Announcer";
import { Composer } from "./Composer";
import { Header } from "./Header";
import { NoticeBar } from "./NoticeBar";
import { Sidebar } from "./Sidebar";
import { Transcript } from "./Transcript";

/** The whole page: a header, earlier conversations, the one that is open. */
export function App({ chat }: { readonly chat: Chat }) {
  const { view, go } = useChat(chat);
  const list = useConversations(view);
  const [drawer, setDrawer] = useState(false);
  const [draft, setDraft] = useState("");
  const input = useRef<HTMLTextAreaElement>(null);
  const closeDrawer = useCallback(() => {
    setDrawer(false);
  }, []);
  useEffect(() => {
    if (!drawer) input.current?.focus();
  }, [drawer]);
  const open = useCallback(
    (cid: string | null) => {
      go(cid);
      setDrawer(false);
      input.current?.focus();
    },
    [go],
  );
  const edit = (said: Outgoing) => {
    chat.discard(said.id);
    setDraft((now) => (now.trim() === "" ? said.text : `${said.text}\n${now}`));
    input.current?.focus();
  };
  return (
    <div className="shell">
      <Header status={view.status} drawer={drawer} onDrawer={setDrawer} onNew={open} />
      <Sidebar {...list} current={view.cid} open={drawer} onOpen={open} onClose={closeDrawer} />
      <main className="talk" inert={drawer}>
        <Transcript chat={chat} view={view} onEdit={edit} />
        <div className="dock">
          <NoticeBar view={view} onNew={open} onDismiss={chat.dismiss} />
          <Composer view={view} draft={draft} input={input} onDraft={setDraft} onSay={chat.say} />
        </div>
      </main>
      <Announcer view={view} />
    </div>
  );
}
