/** Text in which names of code stand between backticks. */
export const Prose = ({ text }: { readonly text: string }) => (
  <>{text.split('`').map((piece, index) => (index % 2 === 1 ? <code key={index}>{piece}</code> : piece))}</>
)
