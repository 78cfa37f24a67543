import { useEffect, useRef } from "react";
import type { MouseEvent, RefObject } from "react";

import type { Conversation } from "../api";
import type { View } from "../chat";
import type { ConversationList } from "../hooks/useConversations";
import { pathOf } from "../route";
import { Farewell } from "./Farewell";
import { Moment } from "./Moment";

interface Props extends ConversationList {
  readonly view: View;
  readonly open: boolean;
  readonly onOpen: (cid: string) => void;
  readonly onClose: () => void;
}

/** Earlier conversations: beside the talk where there is room, else a drawer over it. */
export function Sidebar(props: Props) {
  const { list, failed, onMore, view, open, onOpen, onClose } = props;
  const nav = useDrawer(open, onClose);
  const items = list?.conversations ?? [];
  return (
    <>
      <nav
        id="conversations"
        className="sidebar"
        data-open={open}
        aria-label="Earlier conversations"
        tabIndex={-1}
        ref={nav}
      >
        <h2 className="sidebar-title">Conversations</h2>
        {list !== null && items.length === 0 && (
          <p className="hint">What you and CJ talk about is listed here.</p>
        )}
        <ul className="entries">
          {items.map((one) => (
            <Entry key={one.id} of={one} current={one.id === view.cid} onOpen={onOpen} />
          ))}
        </ul>
        {failed && <p className="hint">The list cannot be read right now.</p>}
        {list?.next != null && (
          <button type="button" className="quiet more" onClick={onMore}>
            Show more
          </button>
        )}
        <div className="farewell">
          <Farewell signedIn={view.user !== null} />
        </div>
      </nav>
      <div className="scrim" data-open={open} onClick={onClose} />
    </>
  );
}

/** Where styles.css has room for the list beside the talk. */
const WIDE = "(min-width: 56rem)";

/** Takes the focus when the drawer opens, and closes it on Escape. */
function useDrawer(open: boolean, onClose: () => void): RefObject<HTMLElement | null> {
  const nav = useRef<HTMLElement>(null);
  useEffect(() => {
    if (!open) return;
    nav.current?.focus();
    const onKey = (event: KeyboardEvent) => {
      if (event.key === "Escape") onClose();
    };
    const wide = window.matchMedia(WIDE);
    wide.addEventListener("change", onClose);
    document.addEventListener("keydown", onKey);
    return () => {
      wide.removeEventListener("change", onClose);
      document.removeEventListener("keydown", onKey);
    };
  }, [open, onClose]);
  return nav;
}

interface EntryProps {
  readonly of: Conversation;
  readonly current: boolean;
  readonly onOpen: (cid: string) => void;
}

function Entry({ of, current, onOpen }: EntryProps) {
  const open = (event: MouseEvent) => {
    const elsewhere = event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
    if (elsewhere) return; // a new tab or window: the browser's own business
    event.preventDefault();
    onOpen(of.id);
  };
  const title = of.title ?? of.preview ?? "Conversation";
  return (
    <li>
      <a
        className="entry"
        href={pathOf(of.id)}
        aria-current={current ? "page" : undefined}
        onClick={open}
      >
        <span className="entry-title">{title}</span>
        <span className="entry-meta">
          <Moment at={of.updated_at} as="short" />
        </span>
      </a>
    </li>
  );
}
