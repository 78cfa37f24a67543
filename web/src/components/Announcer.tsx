import type { View } from "../chat";
import { awaiting } from "../state";
import { doingOf } from "../tools";
import { isAnswer, shown } from "../transcript";

/** Tells a screen reader what CJ says, once and whole: the streaming text would be read in shreds. */
export function Announcer({ view }: { readonly view: View }) {
  return (
    <div className="unseen" role="status" aria-live="polite" data-testid="announcer">
      {wordsOf(view)}
    </div>
  );
}

function wordsOf(view: View): string {
  const doing = doingOf(view);
  if (doing !== null) return doing;
  if (awaiting(view)) return "CJ is typing.";
  const news = shown(view.transcript).filter((one) => one.seq > view.newsAfter);
  const answer = [...news, ...view.unsaved].findLast(isAnswer);
  if (answer === undefined) return "";
  return answer.text === "" ? "CJ stopped." : `CJ says: ${answer.text}`;
}
