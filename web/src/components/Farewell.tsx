import { useState } from "react";

import { endSession } from "../api";

type Step = "none" | "asked" | "leaving" | "failed" | "stayed";

const WARNING = "This browser will not be able to open these conversations again.";
const FAILED = "That did not work. Try again in a moment.";

/** Ends the session: whoever uses this browser next begins with nothing. */
export function Farewell({ signedIn }: { readonly signedIn: boolean }) {
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
  if (signedIn) return <LogOut step={step} onLeave={leave} />;
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
      text={step === "failed" ? FAILED : WARNING}
      busy={step === "leaving"}
      onLeave={leave}
      onStay={() => {
        setStep("stayed");
      }}
    />
  );
}

interface LogOutProps {
  readonly step: Step;
  readonly onLeave: () => void;
}

/** Nobody has to be warned: with the store everything is here again. */
function LogOut({ step, onLeave }: LogOutProps) {
  return (
    <>
      <button type="button" className="quiet" disabled={step === "leaving"} onClick={onLeave}>
        Log out
      </button>
      <p className="hint" role="status">
        {step === "failed" && FAILED}
      </p>
    </>
  );
}

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
