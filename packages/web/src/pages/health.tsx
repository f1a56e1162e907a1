// Health: is tracing itself well? Processes that trace, what they lost, coverage, storage, the doctor, the last preflight.
import { DoctorPanel } from '../health/doctor.tsx';
import { CoveragePanel, PreflightPanel, StatePanel, StoragePanel, TracersPanel } from '../health/panels.tsx';

export default function Health() {
  return (
    <>
      <div class="page-head">
        <h1>Health</h1>
        <p class="lead grow">Is tracing itself well? What was dropped, cut or refused is counted here.</p>
      </div>
      <div class="health">
        <StatePanel />
        <div class="column">
          <DoctorPanel />
          <StoragePanel />
          <CoveragePanel />
          <PreflightPanel />
        </div>
      </div>
      <TracersPanel />
    </>
  );
}
