/** Help that was asked for: as it is, or as a document where the words ask for JSON. */
export function writeHelp(text: string, words: readonly string[], out: NodeJS.WritableStream): void {
  out.write(words.includes('--json') ? `${JSON.stringify({ type: 'help', text })}\n` : text)
}
