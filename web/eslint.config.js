import js from "@eslint/js";
import hooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["dist"] },
  js.configs.recommended,
  {
    files: ["**/*.{ts,tsx}"],
    extends: [
      ...tseslint.configs.strictTypeChecked,
      ...tseslint.configs.stylisticTypeChecked,
      hooks.configs.flat.recommended,
    ],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      complexity: ["error", 10],
      "max-lines": ["error", 300],
      "max-lines-per-function": ["error", { max: 40, skipBlankLines: true, skipComments: true }],
      "no-restricted-globals": [
        "error",
        { name: "localStorage", message: "Nothing of a chat is kept in the browser." },
        { name: "sessionStorage", message: "Nothing of a chat is kept in the browser." },
        { name: "indexedDB", message: "Nothing of a chat is kept in the browser." },
      ],
      "no-restricted-syntax": [
        "error",
        {
          selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']",
          message: "Text is shown as text.",
        },
        {
          selector: "JSXAttribute[name.name='style']",
          message: "Styles live in styles.css, where the content security policy allows them.",
        },
      ],
    },
  },
  // A describe block is a list of tests, not a function to keep short.
  { files: ["**/*.test.ts"], rules: { "max-lines-per-function": "off" } },
);
