{{/* Service names are DNS labels, and "-leader" must still fit. */}}
{{- define "memoapp-operator.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{ .Values.fullnameOverride }}
{{- else if contains .Chart.Name .Release.Name -}}
{{ .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" }}
{{- end -}}
{{- end }}

{{- define "memoapp-operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default (include "memoapp-operator.fullname" .) }}
{{- else -}}
{{ .Values.serviceAccount.name | default "default" }}
{{- end -}}
{{- end }}

{{- define "memoapp-operator.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{/* app.kubernetes.io/name is part of the contract: the NetworkPolicies of the MemoApps let these pods in. */}}
{{- define "memoapp-operator.selectorLabels" -}}
app.kubernetes.io/name: memoapp-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "memoapp-operator.labels" -}}
{{ include "memoapp-operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: memoapp-operator
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{/*
What the operator does to MemoApps and their children; the same by a ClusterRole and by Roles.
Each line is one that the code uses. What is missing on purpose:
- memoapps: no update. The spec belongs to people; the operator writes the status, and by patch the one finalizer that
  deletionPolicy BackupThenDelete asks for.
- secrets: no list, no watch. They are read one by one, by names that a MemoApp gives or that derive from it.
- children: no update, no deletecollection. They are applied (patch) and deleted one by one.
*/}}
{{- define "memoapp-operator.rules" -}}
- apiGroups: [memoapp.dev]
  resources: [memoapps]
  verbs: [get, list, patch, watch]
- apiGroups: [memoapp.dev]
  resources: [memoapps/status]
  verbs: [get, patch, update]
# Owner references that block the owner's deletion, where OwnerReferencesPermissionEnforcement is on.
- apiGroups: [memoapp.dev]
  resources: [memoapps/finalizers]
  verbs: [update]
# MemoBackups are ordered, marked (finalizers, annotations) and pruned; agents make some, and write their status.
- apiGroups: [memoapp.dev]
  resources: [memobackups]
  verbs: [create, delete, get, list, patch, watch]
- apiGroups: [memoapp.dev]
  resources: [memobackups/status]
  verbs: [get, patch, update]
- apiGroups: [memoapp.dev]
  resources: [memobackups/finalizers]
  verbs: [update]
# MemoRestores: those of the schedule are made and pruned, and those in place marked with a finalizer.
- apiGroups: [memoapp.dev]
  resources: [memorestores]
  verbs: [create, delete, get, list, patch, watch]
- apiGroups: [memoapp.dev]
  resources: [memorestores/status]
  verbs: [get, patch, update]
- apiGroups: [memoapp.dev]
  resources: [memorestores/finalizers]
  verbs: [update]
# MaintenanceWindows are people's own: they are read, and their status is kept.
- apiGroups: [memoapp.dev]
  resources: [maintenancewindows]
  verbs: [get, list, watch]
- apiGroups: [memoapp.dev]
  resources: [maintenancewindows/status]
  verbs: [get, patch, update]
- apiGroups: [batch]
  resources: [cronjobs, jobs]
  verbs: [create, delete, get, list, patch, watch]
# The account of an app's agents, and its few rights: nobody can give what he has not. The Lease of an app's data is
# made here and held by its agents (update).
- apiGroups: [""]
  resources: [serviceaccounts]
  verbs: [create, delete, get, list, patch]
- apiGroups: [rbac.authorization.k8s.io]
  resources: [rolebindings, roles]
  verbs: [create, delete, get, list, patch]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create, delete, get, list, patch, update]
- apiGroups: [""]
  resources: [secrets]
  verbs: [create, delete, get, patch]
- apiGroups: [""]
  resources: [configmaps, persistentvolumeclaims, services]
  verbs: [create, delete, get, list, patch, watch]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [events]
  # list: only Events tell why a StatefulSet gets no pod
  verbs: [create, list, patch]
# What the gates of CPU and memory ask, where metrics-server or the like is there.
- apiGroups: [metrics.k8s.io]
  resources: [pods]
  verbs: [list]
- apiGroups: [apps]
  resources: [controllerrevisions, deployments, statefulsets]
  verbs: [create, delete, get, list, patch, watch]
- apiGroups: [apps]
  resources: [deployments/scale]
  verbs: [patch]
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [create, delete, get, list, patch, watch]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [create, delete, get, list, patch, watch]
- apiGroups: [networking.k8s.io]
  resources: [ingresses, networkpolicies]
  verbs: [create, delete, get, list, patch, watch]
{{- end }}

{{/*
One CustomResourceDefinition with the annotation that keeps it. Only its metadata is parsed and written anew: through
fromYaml and toYaml large numbers of the schema would come out as floats. Takes (dict "path" ... "text" ... "keep" ...).
*/}}
{{- define "memoapp-operator.crd" -}}
{{- $metadata := (fromYaml .text).metadata | required (printf "%s: no metadata" .path) -}}
{{- $block := "(?m)^metadata:\n(?:[ \t]+.*\n)+" -}}
{{- if ne (len (regexFindAll $block .text -1)) 1 -}}
{{- fail (printf "%s: exactly one CustomResourceDefinition a file, with metadata as a block" .path) -}}
{{- end -}}
{{- if .keep -}}
{{- $annotations := merge (dict "helm.sh/resource-policy" "keep") ($metadata.annotations | default dict) -}}
{{- $metadata = set $metadata "annotations" $annotations -}}
{{- end -}}
{{- $written := printf "metadata:\n%s\n" (toYaml $metadata | indent 2) -}}
{{ regexReplaceAllLiteral $block .text $written | trim | trimPrefix "---" | trim }}
{{- end }}
