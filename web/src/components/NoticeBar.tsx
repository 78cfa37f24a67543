import type { View } from "../chat";
import { forgetful } from "../state";

interface Props {
  readonly view: View;
  readonly onNew: (cid: null) => void;
  readonly onDismiss: () => void;
}

/** What did not work, in the server's words, and what can be done about it. */
export function NoticeBar({ view, onNew, onDismiss }: Props) {
  const { notice } = view;
  const calm = calmly(view);
  return (
    <div className="notices">
      <div role="status">{calm !== null && <p className="notice calm">{calm}</p>}</div>
      <div role="alert">
        {notice !== null && (
          <p className="notice" data-code={notice.code}>
            <span>{notice.text}</span>
            {view.cid === null && view.opening === null ? (
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
    </div>
  );
}

/** What is not as it should be and needs nobody's hand. */
function calmly(view: View): string | null {
  if (view.cid === null) return null;
  if (view.status === "offline") {
    return (
      "CJ cannot be reached right now. What you write is kept on this page and sent as soon as " +
      "the connection is back."
    );
  }
  return forgetful(view)
    ? "CJ can’t reach its memory. Messages are kept here and saved as soon as it is back."
    : null;
}
