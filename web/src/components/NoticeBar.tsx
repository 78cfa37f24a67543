import type { View } from "../chat";

interface Props {
  readonly view: View;
  readonly onNew: (cid: null) => void;
  readonly onDismiss: () => void;
}

/** What did not work, in the server's words, and what can be done about it. */
export function NoticeBar({ view, onNew, onDismiss }: Props) {
  const { notice, status } = view;
  const nothingOpen = view.cid === null && view.opening === null;
  const away = status === "offline" && view.cid !== null;
  return (
    <div className="notices" role="alert">
      {away && (
        <p className="notice calm">
          CJ cannot be reached right now. What you write is kept on this page and sent as soon as
          the connection is back.
        </p>
      )}
      {notice !== null && (
        <p className="notice" data-code={notice.code}>
          <span>{notice.text}</span>
          {nothingOpen ? (
            <button
              type="button"
              className="outlined"
              onClick={() => {
                onNew(null);
              }}
            >
              Start a new one
            </button>
          ) : (
            <button type="button" className="quiet" onClick={onDismiss}>
              Dismiss
            </button>
          )}
        </p>
      )}
    </div>
  );
}
