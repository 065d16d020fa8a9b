// Colours of pictures, as page.css has them for light and dark.
import { view } from './view.js';

export function theme() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(name).trim();
  const [text, muted, line, ground] = ['--text', '--muted', '--line', '--ground'].map(read);
  return {
    text, muted, line, ground,
    red: '#D55E00', redText: read('--red-text'),
    tint: view.dark ? 0.1 : 0.12,
    /** ink and grey are other ones in the dark. */
    colour: (name) => (name === 'ink' ? text : name === 'grey' ? muted : name),
  };
}
