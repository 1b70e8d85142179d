import {InferenceSession,Tensor} from 'onnxruntime-node';import {execSync} from 'child_process';import fs from 'fs';
const cases=JSON.parse(fs.readFileSync('/tmp/s/mb/cases.json'));
for(const c of cases){
const s=await InferenceSession.create(`/tmp/s/mb/${c.file}`,{graphOptimizationLevel:'all',executionMode:'sequential',intraOpNumThreads:1,interOpNumThreads:1,logSeverityLevel:3,extra:{session:{set_denormal_as_zero:"1",intra_op:{allow_spinning:"0"}}}});
const feeds={},fetch={};
for(const m of s.inputMetadata){const n=m.shape.reduce((a,b)=>a*b,1);const d=new Float32Array(n);for(let i=0;i<n;i++)d[i]=Math.random()-.5;feeds[m.name]=new Tensor(m.type,d,m.shape)}
for(const m of s.outputMetadata)fetch[m.name]=new Tensor(m.type,new Float32Array(m.shape.reduce((a,b)=>a*b,1)),m.shape);
const ts=[];for(let i=0;i<200;i++){const t=performance.now();await s.run(feeds,fetch);ts.push(performance.now()-t)}ts.sort((a,b)=>a-b);
console.log(c.file.padEnd(34),((ts[40]*1000-c.base)/c.count).toFixed(2),'us per op');
}
