// Elements. Text goes in as text, whatever it says.

/** element('button', { class: 'x', 'aria-pressed': 'true' }, 'text', child...) */
export function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== null) node.setAttribute(key, value);
  node.append(...children.filter((child) => child !== null));
  return node;
}
