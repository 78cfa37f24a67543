import { useCallback, useEffect, useState } from "react";

import type { Chat, View } from "../chat";
import { useChat } from "../hooks/useChat";
import { useConnecting } from "../hooks/useConnecting";
import { useConversations } from "../hooks/useConversations";
import { useDraft } from "../hooks/useDraft";
import type { Draft } from "../hooks/useDraft";
import { useEditing } from "../hooks/useEditing";
import { useEscape } from "../hooks/useEscape";
import { Announcer } from "./Announcer";
import { Composer } from "./Composer";
import { ConnectDialog } from "./ConnectDialog";
import { Header } from "./Header";
import { NoticeBar } from "./NoticeBar";
import { Sidebar } from "./Sidebar";
import { Transcript } from "./Transcript";

/** The whole page: a header, earlier conversations, the one that is open. */
export function App({ chat }: { readonly chat: Chat }) {
  const { view, go } = useChat(chat);
  const list = useConversations(view);
  const draft = useDraft(chat);
  const { focus } = draft;
  const { drawer, setDrawer, closeDrawer } = useDrawer(focus);
  const connection = useConnecting(view.cid);
  const { onOpen: onConnect } = connection;
  useEscape(!drawer && !connection.open, chat.silence);
  const open = useCallback(
    (cid: string | null) => {
      go(cid);
      setDrawer(false);
      focus();
    },
    [go, focus, setDrawer],
  );
  return (
    <div className="shell">
      <Header view={view} drawer={drawer} onDrawer={setDrawer} onConnect={onConnect} onNew={open} />
      <Sidebar {...list} view={view} open={drawer} onOpen={open} onClose={closeDrawer} />
      <main className="talk" inert={drawer}>
        <Talk chat={chat} view={view} draft={draft} onNew={open} onConnect={onConnect} />
      </main>
      <ConnectDialog connection={connection} shop={view.shop ?? null} store={view.store} />
      <Announcer view={view} />
    </div>
  );
}

interface TalkProps {
  readonly chat: Chat;
  readonly view: View;
  readonly draft: Draft;
  readonly onNew: (cid: null) => void;
  readonly onConnect: () => void;
}

/** The conversation that is open, and where one writes. */
function Talk({ chat, view, draft, onNew, onConnect }: TalkProps) {
  const editing = useEditing(chat, draft.focus);
  return (
    <>
      <Transcript
        chat={chat}
        view={view}
        editing={editing}
        said={draft.said}
        onSay={draft.say}
        onEdit={draft.takeBack}
        onConnect={onConnect}
      />
      <div className="dock">
        <NoticeBar view={view} onNew={onNew} onDismiss={chat.dismiss} />
        <Composer
          view={view}
          draft={draft.text}
          input={draft.input}
          onDraft={draft.setText}
          onSay={draft.say}
          onStop={chat.silence}
        />
      </div>
    </>
  );
}

/** The list on a small screen; when it goes, the focus is where one writes. */
function useDrawer(focus: () => void) {
  const [drawer, setDrawer] = useState(false);
  const closeDrawer = useCallback(() => {
    setDrawer(false);
  }, []);
  useEffect(() => {
    if (!drawer) focus();
  }, [drawer, focus]);
  return { drawer, setDrawer, closeDrawer };
}
