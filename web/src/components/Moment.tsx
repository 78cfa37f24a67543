import { fullOf, shortOf, timeOf } from "../moments";

interface Props {
  readonly at: string;
  readonly as: "time" | "short";
}

export function Moment({ at, as }: Props) {
  return (
    <time dateTime={at} title={fullOf(at)}>
      {as === "time" ? timeOf(at) : shortOf(at, new Date())}
    </time>
  );
}
