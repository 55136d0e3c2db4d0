import js from "@eslint/js";
import tseslint from "typescript-eslint";

const foreign = { name: "livekit-client", message: "Only src/service/room.ts (types), src/room/meeting.ts and src/room/encryption.ts know LiveKit." };

export default tseslint.config(
  { ignores: ["node_modules/", "dist/", "eslint.config.js"] },
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  { languageOptions: { parserOptions: { projectService: true } } },
  {
    rules: {
      "max-lines": ["error", 300],
      "no-restricted-imports": ["error", { paths: [foreign] }],
      // Captions are data and must never be parsed as markup.
      "no-restricted-properties": ["error", ...["innerHTML", "outerHTML", "insertAdjacentHTML"].map((property) => ({ property }))],
      // Constants stand above the code that uses them.
      "@typescript-eslint/no-use-before-define": ["error", { functions: false, classes: false, typedefs: false }],
      "@typescript-eslint/no-unused-vars": ["error", { ignoreRestSiblings: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
    },
  },
  { files: ["src/service/room.ts", "src/room/meeting.ts", "src/room/encryption.ts"], rules: { "no-restricted-imports": "off" } },
);
