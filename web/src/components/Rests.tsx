import type { Source } from "../frames";
import { fullOf, shortOf } from "../moments";
import { asOf, windowOf } from "../sources";

interface Props {
  readonly sources: readonly Source[];
  /** When it was said. */
  readonly said: string;
}

/** What an answer rests on: what CJ saw of the store, and when. */
export function Rests({ sources, said }: Props) {
  const at = asOf(sources);
  const window = windowOf(sources);
  return (
    <p className="rests">
      From your store
      {at !== null && (
        <>
          {", "}
          <time dateTime={at} title={fullOf(at)}>
            {shortOf(at, new Date(said))}
          </time>
        </>
      )}
      {window !== null && ` · ${window}`}
    </p>
  );
}
