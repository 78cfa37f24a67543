import type { View } from "../chat";
import type { Status } from "../socket";
import { Store } from "./Store";

interface Props {
  readonly view: View;
  readonly drawer: boolean;
  readonly onDrawer: (open: boolean) => void;
  readonly onConnect: () => void;
  readonly onNew: (cid: null) => void;
}

const WORDS: Record<Status, string> = {
  online: "Online",
  connecting: "Connecting…",
  offline: "No connection",
};

/** Who speaks here, for which store, and whether the line to CJ is there. */
export function Header({ view, drawer, onDrawer, onConnect, onNew }: Props) {
  return (
    <header className="header">
      <Menu drawer={drawer} onDrawer={onDrawer} />
      <h1 className="brand">
        <img className="mark" src="/favicon.svg" alt="" width="28" height="28" />
        CJ
      </h1>
      <p className="status" role="status" data-status={view.status}>
        <span>{WORDS[view.status]}</span>
      </p>
      <Store shop={view.shop} store={view.store} onConnect={onConnect} />
      <button
        type="button"
        className="outlined new"
        onClick={() => {
          onNew(null);
        }}
      >
        <svg className="icon" viewBox="0 0 20 20" aria-hidden="true">
          <path d="M10 4v12M4 10h12" />
        </svg>
        <span>New conversation</span>
      </button>
    </header>
  );
}

function Menu({ drawer, onDrawer }: Pick<Props, "drawer" | "onDrawer">) {
  return (
    <button
      type="button"
      className="quiet menu"
      aria-expanded={drawer}
      aria-controls="conversations"
      onClick={() => {
        onDrawer(!drawer);
      }}
    >
      <svg className="icon" viewBox="0 0 20 20" aria-hidden="true">
        <path d="M3 6h14M3 10h14M3 14h9" />
      </svg>
      <span className="unseen">Conversations</span>
    </button>
  );
}
