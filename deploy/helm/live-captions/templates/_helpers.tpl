{{- define "captions.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Of a list: the top level, and a component. */}}
{{- define "captions.selector" -}}
{{- $top := index . 0 -}}
app.kubernetes.io/name: {{ $top.Chart.Name }}
app.kubernetes.io/instance: {{ $top.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "captions.labels" -}}
{{- $top := index . 0 -}}
{{ include "captions.selector" . }}
app.kubernetes.io/version: {{ $top.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $top.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $top.Chart.Name $top.Chart.Version }}
{{- end -}}

{{- define "captions.image" -}}
{{- $top := index . 0 -}}{{- $image := index . 1 -}}
{{ printf "%s:%s" $image.repository ($image.tag | default $top.Chart.AppVersion) | quote }}
{{- end -}}

{{- define "captions.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "captions.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- define "captions.keys" -}}
{{- .Values.livekit.existingSecret | default (printf "%s-livekit" (include "captions.name" .)) -}}
{{- end -}}

{{/* What each of our programs is told of LiveKit. */}}
{{- define "captions.livekit" -}}
- {name: LIVEKIT_URL, value: {{ required "livekit.url: where do the workers reach LiveKit?" .Values.livekit.url | quote }}}
- name: LIVEKIT_API_KEY
  valueFrom: {secretKeyRef: {name: {{ include "captions.keys" . }}, key: api-key}}
- name: LIVEKIT_API_SECRET
  valueFrom: {secretKeyRef: {name: {{ include "captions.keys" . }}, key: api-secret}}
- {name: CAPTIONER_LISTEN, value: 0.0.0.0}
{{- if .Values.worker.transcripts.existingClaim }}
- {name: CAPTIONER_TRANSCRIPTS, value: /transcripts}
- {name: CAPTIONER_KEEP_DAYS, value: {{ .Values.worker.transcripts.keepDays | quote }}}
{{- end }}
{{- end -}}

{{- define "captions.servers" -}}
{{- if .Values.recogniser.servers -}}
{{- .Values.recogniser.servers -}}
{{- else if .Values.asrServer.enabled -}}
{{- printf "ws://%s-asr-server:8080" (include "captions.name" .) -}}
{{- end -}}
{{- end -}}

{{- define "captions.serversSecret" -}}
{{- .Values.recogniser.existingSecret | default (ternary .Values.asrServer.existingSecret "" .Values.asrServer.enabled) -}}
{{- end -}}
