import type { Outgoing } from "../outbox";
import { Link, Row } from "./Row";

interface Props {
  readonly of: Outgoing;
  readonly onEdit: (said: Outgoing) => void;
  readonly onDiscard: (id: string) => void;
}

/** A message of ours that is not known to have arrived. */
export function Waiting({ of, onEdit, onDiscard }: Props) {
  return (
    <Row mine status={of.status}>
      <div className="text">{of.text ?? "Try again"}</div>
      <p className="meta">
        {of.status === "sending" && <span>{of.note ?? "Sending…"}</span>}
        {of.status === "unsaved" && <span>Not saved yet</span>}
        {of.status === "failed" && (
          <>
            <span className="trouble">Not sent: {of.note}</span>
            {of.text !== null && (
              <Link
                onClick={() => {
                  onEdit(of);
                }}
              >
                Edit
              </Link>
            )}
            <Link
              onClick={() => {
                onDiscard(of.id);
              }}
            >
              Discard
            </Link>
          </>
        )}
      </p>
    </Row>
  );
}
