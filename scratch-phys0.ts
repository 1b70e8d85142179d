import v8 from "node:v8";
for(const f of (process.env.VF??"").split(" ").filter(Boolean)) v8.setFlagsFromString(f);
const { createMoment } = await import("./src/envs/moment.ts");
const { Random } = await import("./src/random.ts");
const { makeVectorEnv } = await import("./src/envs/registry.ts");
const id=process.argv[2]??"HalfCheetah-6x1";
 const env=await (makeVectorEnv as any)(id,{numEnvs:40,workers:0,options:{obsk:0}});
 const m=createMoment(env.team,40);const r=new Random(1);
 const acts=env.team.actionSpaces.map((s:any)=>new Float32Array(40*s.size));
 await env.reset(1,m);
 const fill=()=>{for(const a of acts){r.fillNormal(a);for(let i=0;i<a.length;i++)a[i]*=.4}};
 for(let i=0;i<100;i++){fill();await env.step(acts,m);}
 const ts=[];for(let k=0;k<20;k++){let t0=performance.now();for(let i=0;i<20;i++){fill();await env.step(acts,m);}ts.push((performance.now()-t0)/800*1000)}
 ts.sort((a,b)=>a-b);console.log((process.env.VF??"-").padEnd(40),'us/env step min',ts[0].toFixed(1),'p25',ts[5].toFixed(1),'med',ts[10].toFixed(1));
