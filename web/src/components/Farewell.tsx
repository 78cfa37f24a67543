import { useState } from "react";

import { endSession } from "../api";

type Step = "none" | "asked" | "leaving" | "failed" | "stayed";

/** Ends the session: whoever uses this browser next begins with nothing. */
export function Farewell() {
  const [step, setStep] = useState<Step>("none");
  const leave = () => {
    setStep("leaving");
    endSession().then(
      () => {
        location.replace("/chat");
      },
      () => {
        setStep("failed");
      },
    );
  };
  if (step === "none" || step === "stayed") {
    return (
      <button
        type="button"
        className="quiet"
        autoFocus={step === "stayed"}
        onClick={() => {
          setStep("asked");
        }}
      >
        Forget me on this browser
      </button>
    );
  }
  return (
    <Question
      text={step === "failed" ? "That did not work. Try again in a moment." : WARNING}
      busy={step === "leaving"}
      onLeave={leave}
      onStay={() => {
        setStep("stayed");
      }}
    />
  );
}

const WARNING = "This browser will not be able to open these conversations again.";

interface Props {
  readonly text: string;
  readonly busy: boolean;
  readonly onLeave: () => void;
  readonly onStay: () => void;
}

function Question({ text, busy, onLeave, onStay }: Props) {
  return (
    <div className="question" role="group" aria-label="Forget me on this browser">
      <p role="status">{text}</p>
      <button type="button" className="outlined" disabled={busy} onClick={onLeave}>
        Forget me
      </button>
      <button type="button" className="quiet" autoFocus disabled={busy} onClick={onStay}>
        Keep me
      </button>
    </div>
  );
}
