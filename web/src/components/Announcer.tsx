import type { View } from "../chat";
import { awaiting } from "../protocol";
import { isAnswer } from "../transcript";

/** Tells a screen reader what CJ says, once and whole: the streaming text would be read in shreds. */
export function Announcer({ view }: { readonly view: View }) {
  const news = view.transcript.messages.filter((one) => one.seq > view.newsAfter);
  const answer = news.findLast((one) => isAnswer(one) && !one.hidden);
  return (
    <div className="unseen" role="status" aria-live="polite" data-testid="announcer">
      {awaiting(view) ? "CJ is typing." : answer && `CJ says: ${answer.text}`}
    </div>
  );
}
