import type { Status } from "../socket";

interface Props {
  readonly status: Status;
  readonly drawer: boolean;
  readonly onDrawer: (open: boolean) => void;
  readonly onNew: (cid: null) => void;
}

const WORDS: Record<Status, string> = {
  online: "Connected",
  connecting: "Connecting…",
  offline: "No connection",
};

export function Header({ status, drawer, onDrawer, onNew }: Props) {
  return (
    <header className="header">
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
      <h1 className="brand">
        <img className="mark" src="/favicon.svg" alt="" width="28" height="28" />
        CJ
      </h1>
      <p className="status" role="status" data-status={status}>
        {WORDS[status]}
      </p>
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
