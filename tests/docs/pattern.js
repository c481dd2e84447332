// Compares texts with patterns of documents, in which `...` stands for anything.

/** A text in which `...` stands for anything. */
export function pattern(text) {
  const parts = text.split('...').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('[^]*')}$`);
}
