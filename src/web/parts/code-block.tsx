import { Copy } from './copy.tsx'

/** Text to be copied: commands, a document. */
export const CodeBlock = ({ text }: { readonly text: string }) => (
  <div class="code-frame">
    {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
    <pre class="code-block" tabIndex={0}>
      <code>{text}</code>
    </pre>
    <Copy text={text} />
  </div>
)
