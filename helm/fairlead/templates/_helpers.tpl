{{- define "fairlead.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "fairlead.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "fairlead.selectorLabels" -}}
app.kubernetes.io/name: {{ include "fairlead.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "fairlead.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "fairlead.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "fairlead.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "fairlead.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "fairlead.metricsPortName" -}}
{{- if .Values.server.metricsPort }}metrics{{ else }}http{{ end }}
{{- end }}

{{/* "true" where the database is named and is not SQLite, which belongs to one pod. */}}
{{- define "fairlead.hasDatabase" -}}
{{- $written := regexMatch "(?m)^\\s*\\[\\s*database\\s*\\]" .Values.config }}
{{- $sqlite := regexMatch "(?m)^\\s*url\\s*=\\s*[\"']sqlite:" .Values.config }}
{{- if or .Values.database.existingSecret (and $written (not $sqlite)) }}true{{ end }}
{{- end }}

{{/* The configuration file: [server] and [database] from the values, the rest as given. */}}
{{- define "fairlead.toml" -}}
{{- if regexMatch "(?m)^\\s*\\[\\s*server\\s*\\]" .Values.config }}
{{- fail "config must not hold a [server] table: use server.* and server.extra" }}
{{- end -}}
{{- if eq (int .Values.server.port) (int (default 0 .Values.server.metricsPort)) }}
{{- fail "server.metricsPort must be another port than server.port" }}
{{- end -}}
[server]
host = {{ .Values.server.host | toJson }}
port = {{ int .Values.server.port }}
data_dir = "/var/lib/fairlead"
drain_delay_s = {{ int .Values.server.drainDelaySeconds }}
drain_s = {{ int .Values.server.drainSeconds }}
{{- with .Values.server.metricsPort }}
metrics_port = {{ int . }}
{{- end }}
{{- with .Values.server.extra }}
{{ trim . }}
{{- end }}

{{- if .Values.database.existingSecret }}
{{- if regexMatch "(?m)^\\s*\\[\\s*database\\s*\\]" .Values.config }}
{{- fail "config must not hold a [database] table beside database.existingSecret" }}
{{- end }}

[database]
url = "${FAIRLEAD_DATABASE_URL}"
{{- end }}

{{ trim .Values.config }}
{{ end }}
