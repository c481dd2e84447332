/**
 * Makes the editor: CodeMirror for Lua, with the line of an error marked.
 *
 * @import { StateEffectType } from '@codemirror/state'
 */

import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab, isolateHistory } from '@codemirror/commands';
import { bracketMatching, HighlightStyle, indentOnInput, indentUnit, StreamLanguage, syntaxHighlighting } from '@codemirror/language';
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search';
import { EditorState, RangeSet, StateEffect, StateField } from '@codemirror/state';
import {
  Decoration,
  drawSelection,
  EditorView,
  GutterMarker,
  gutterLineClass,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
} from '@codemirror/view';
import { tags } from '@lezer/highlight';

import { complete, luaParser } from './lua-language.js';

/**
 * The number of the line to mark; 0 for none.
 *
 * @type {StateEffectType<number>}
 */
const setErrorLine = StateEffect.define();

const errorLine = Decoration.line({ class: 'error-line' });

class ErrorMarker extends GutterMarker {
  elementClass = 'error-line-number';
}

const errorMarker = new ErrorMarker();

/** Where the marked line begins; none once it is edited, since the error may be gone. */
const errorField = StateField.define({
  create: () => -1,
  update(value, transaction) {
    for (const effect of transaction.effects) {
      if (effect.is(setErrorLine)) {
        const { doc } = transaction.state;
        return effect.value >= 1 && effect.value <= doc.lines ? doc.line(effect.value).from : -1;
      }
    }
    if (value < 0 || !transaction.docChanged) return value;
    const line = transaction.startState.doc.lineAt(value);
    const touched = transaction.changes.touchesRange(line.from, line.to);
    return touched ? -1 : transaction.changes.mapPos(value, 1);
  },
  provide: (field) => [
    EditorView.decorations.from(field, (at) => (at < 0 ? Decoration.none : Decoration.set(errorLine.range(at)))),
    gutterLineClass.from(field, (at) => (at < 0 ? RangeSet.empty : RangeSet.of([errorMarker.range(at)]))),
  ],
});

const colors = HighlightStyle.define([
  { tag: [tags.keyword, tags.controlKeyword, tags.operatorKeyword], color: 'var(--code-keyword)', fontWeight: '600' },
  { tag: tags.string, color: 'var(--code-string)' },
  { tag: tags.number, color: 'var(--code-number)' },
  { tag: tags.comment, color: 'var(--code-comment)', fontStyle: 'italic' },
  { tag: tags.standard(tags.variableName), color: 'var(--code-library)' },
  { tag: [tags.atom, tags.bool], color: 'var(--code-number)' },
]);

const looks = EditorView.theme({
  '&': { height: '100%', color: 'var(--text)', backgroundColor: 'var(--surface)', fontSize: 'var(--code-size)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.55' },
  '.cm-content': { caretColor: 'var(--accent)', padding: '10px 0' },
  '.cm-cursor': { borderLeftColor: 'var(--accent)', borderLeftWidth: '2px' },
  '.cm-gutters': { backgroundColor: 'var(--surface)', color: 'var(--muted)', border: 'none' },
  '.cm-lineNumbers .cm-gutterElement': { padding: '0 10px 0 14px', minWidth: '36px' },
  '.cm-activeLine': { backgroundColor: 'var(--line)' },
  '.cm-activeLineGutter': { backgroundColor: 'var(--line)', color: 'var(--text)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': { backgroundColor: 'var(--selection)' },
  '.cm-selectionMatch': { backgroundColor: 'var(--match)' },
  '&.cm-focused .cm-matchingBracket': { backgroundColor: 'var(--match)', outline: '1px solid var(--border-strong)' },
  '.cm-line.error-line': { backgroundColor: 'var(--error-line)', boxShadow: 'inset 3px 0 var(--error)' },
  '.cm-gutterElement.error-line-number': { backgroundColor: 'var(--error-line)', color: 'var(--error)', fontWeight: '700' },
  '.cm-panels': { backgroundColor: 'var(--raised)', color: 'var(--text)', borderColor: 'var(--border)' },
  '.cm-panel.cm-search input, .cm-panel.cm-search button': { font: 'inherit' },
  '.cm-textfield': { backgroundColor: 'var(--surface)', border: '1px solid var(--border-strong)', color: 'var(--text)' },
  '.cm-button': { backgroundImage: 'none', backgroundColor: 'var(--surface)', border: '1px solid var(--border-strong)', color: 'var(--text)' },
  '.cm-tooltip': { backgroundColor: 'var(--raised)', color: 'var(--text)', border: '1px solid var(--border-strong)', borderRadius: '6px' },
  '.cm-tooltip-autocomplete > ul > li[aria-selected]': { backgroundColor: 'var(--accent)', color: 'var(--on-accent)' },
});

/** A text editor for Lua. */
export class Editor {
  /**
   * @param {HTMLTextAreaElement} textarea which it takes the place of
   * @param {{ text: string, describedBy: string, onChange: (text: string) => void }} options
   */
  constructor(textarea, { text, describedBy, onChange }) {
    const label = textarea.getAttribute('aria-label') || '';
    this.view = new EditorView({
      state: EditorState.create({
        doc: text,
        extensions: [
          lineNumbers(),
          highlightActiveLineGutter(),
          history(),
          drawSelection(),
          indentOnInput(),
          bracketMatching(),
          closeBrackets(),
          autocompletion({ override: [complete], icons: false }),
          highlightActiveLine(),
          highlightSelectionMatches(),
          StreamLanguage.define(luaParser),
          syntaxHighlighting(colors),
          indentUnit.of('  '),
          EditorState.tabSize.of(2),
          EditorView.lineWrapping,
          errorField,
          looks,
          // Ctrl-Enter is the page's: it runs the script from anywhere.
          keymap.of([
            ...closeBracketsKeymap,
            ...defaultKeymap.filter(({ key }) => key !== 'Mod-Enter'),
            ...searchKeymap,
            ...historyKeymap,
            ...completionKeymap,
            indentWithTab,
          ]),
          EditorView.contentAttributes.of({ 'aria-label': label, 'aria-describedby': describedBy, spellcheck: 'false' }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) onChange(this.text);
          }),
        ],
      }),
    });
    textarea.replaceWith(this.view.dom);
  }

  get text() {
    return this.view.state.doc.toString();
  }

  /**
   * Replace the text, as one change that can be undone.
   *
   * @param {string} text
   */
  replace(text) {
    const { view } = this;
    view.dispatch({
      changes: { from: 0, to: view.state.doc.length, insert: text },
      selection: { anchor: 0 },
      effects: setErrorLine.of(0),
      annotations: isolateHistory.of('full'),
      scrollIntoView: true,
    });
  }

  /**
   * Mark a line as the one with the error.
   *
   * @param {number} line 0 for none
   */
  mark(line) {
    const { view } = this;
    /** @type {StateEffect<any>[]} */
    const effects = [setErrorLine.of(line)];
    if (line >= 1 && line <= view.state.doc.lines) effects.push(EditorView.scrollIntoView(view.state.doc.line(line).from, { y: 'nearest', yMargin: 60 }));
    view.dispatch({ effects });
  }

  /**
   * Put the cursor at the beginning of a line.
   *
   * @param {number} line
   */
  goTo(line) {
    const { view } = this;
    const { doc } = view.state;
    const { from, text } = doc.line(Math.min(Math.max(line, 1), doc.lines));
    view.dispatch({ selection: { anchor: from + text.search(/\S|$/) }, scrollIntoView: true });
    view.focus();
  }

  focus() {
    this.view.focus();
  }
}
