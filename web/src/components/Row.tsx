import type { ReactNode } from "react";

interface Props {
  readonly mine: boolean;
  readonly status?: string | undefined;
  readonly children: ReactNode;
}

/** Whose words these are, to the eye and to the ear. */
export function Row({ mine, status, children }: Props) {
  return (
    <li className={mine ? "row mine" : "row"} data-status={status}>
      {!mine && <img className="avatar" src="/favicon.svg" alt="" width="28" height="28" />}
      <div className="bubble">
        <span className="unseen">{mine ? "You:" : "CJ:"}</span>
        {children}
      </div>
    </li>
  );
}

interface LinkProps {
  readonly onClick: () => void;
  /** Shown when one is near: it stands at every message. */
  readonly discreet?: boolean;
  readonly children: ReactNode;
}

/** Something that can be done about a message. */
export function Link({ onClick, discreet = false, children }: LinkProps) {
  return (
    <button type="button" className={discreet ? "link discreet" : "link"} onClick={onClick}>
      {children}
    </button>
  );
}
