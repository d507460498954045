# Written by scripts/build-settings.mjs from src/config/table.
# bash: source this file. zsh: autoload -U bashcompinit && bashcompinit, then source it.
_prunegate() {
  local word=${COMP_WORDS[COMP_CWORD]}
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "check doctor expect explain init lock merge plan prune recover run --help --version" -- "$word"))
    return
  fi
  case ${COMP_WORDS[COMP_CWORD - 1]} in
    --runner)
      COMPREPLY=($(compgen -W "hosted self-hosted" -- "$word"))
      return
      ;;
    --folding)
      COMPREPLY=($(compgen -W "raw folded" -- "$word"))
      return
      ;;
    --execution-provider)
      COMPREPLY=($(compgen -W "auto cpu cuda tensorrt" -- "$word"))
      return
      ;;
    --format)
      COMPREPLY=($(compgen -W "text json markdown html sarif junit badge" -- "$word"))
      return
      ;;
  esac
  case "${COMP_WORDS[1]} $word" in
    "check -"*)
      COMPREPLY=($(compgen -W "--config --no-config --model --all --install-onnxruntime --dense --dense-folded --pruned --spec --overrides --export-command --prune-command --no-commands --timeout-minutes --pass-env --allow-untrusted-commands --reported --lock-file --folding --tolerance --execute --no-execute --execution-provider --require-gpu --onnxruntime --inputs --input-shapes --max-latency-ratio --min-parameter-reduction --min-mac-reduction --min-size-reduction --baseline --max-filters-flipped --fail-on --warn-only --report-dir --formats --format" -- "$word"))
      ;;
    "doctor -"*)
      COMPREPLY=($(compgen -W "" -- "$word"))
      ;;
    "expect -"*)
      COMPREPLY=($(compgen -W "--config --no-config --model --all --dense --spec --overrides --folding --format" -- "$word"))
      ;;
    "explain -"*)
      COMPREPLY=($(compgen -W "--config --no-config --model --layer --filter --all --dense --spec --overrides --folding --format" -- "$word"))
      ;;
    "init -"*)
      COMPREPLY=($(compgen -W "--runner --dense --pruned --spec --export-command --prune-command" -- "$word"))
      ;;
    "lock -"*)
      COMPREPLY=($(compgen -W "--config --no-config --model --check --accept --dense --dense-folded --pruned --spec --overrides --export-command --prune-command --no-commands --timeout-minutes --pass-env --allow-untrusted-commands --reported --lock-file --folding --tolerance" -- "$word"))
      ;;
    "merge -"*)
      COMPREPLY=($(compgen -W "--config --no-config --models --warn-only --format" -- "$word"))
      ;;
    "plan -"*)
      COMPREPLY=($(compgen -W "--config --no-config" -- "$word"))
      ;;
    "prune -"*)
      COMPREPLY=($(compgen -W "--config --no-config --model --out --dense --spec --overrides --folding" -- "$word"))
      ;;
    "recover -"*)
      COMPREPLY=($(compgen -W "--config --no-config --model --all --dense --pruned --format" -- "$word"))
      ;;
    "run -"*)
      COMPREPLY=($(compgen -W "--config --no-config --model --all --install-onnxruntime --dense --pruned --execution-provider --require-gpu --onnxruntime --inputs --input-shapes --max-latency-ratio --min-parameter-reduction --min-mac-reduction --min-size-reduction --report-dir --formats --format" -- "$word"))
      ;;
    *) COMPREPLY=($(compgen -f -- "$word")) ;;
  esac
}
complete -o filenames -F _prunegate prunegate
